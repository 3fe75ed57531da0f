"""What a study is made of: the contract of its tables, its study.yaml, sources, and the intake.

contract   the tables and columns a study may have; the data dictionary
schema     the parts of a study.yaml
study      study.yaml read and checked
sources    public data by checksum: a mirror, a URL or a wheel
intake     files to typed tables, held to the contract
"""
