"""What exports of survey tools, help desks and shops look like: one small YAML file for each tool.

    profile = recognise(["Name", "Email", "Financial Status", "Lineitem quantity", ...])
    profile.title                        # "Shopify orders"
    profile.tables["orders"].columns     # {"order_id": "Name", ...}: ours, theirs

A profile is data: the names by which a file is recognised, which of its columns are ours, which
rows are no answers, which columns belong to the tool. `names.yaml` and `scales.yaml` hold the words
of files that no profile knows.
"""

from cxlib.data.intake.profiles.recognition import Part, Profile, every_profile, names, recognise

__all__ = ["Part", "Profile", "every_profile", "names", "recognise"]
