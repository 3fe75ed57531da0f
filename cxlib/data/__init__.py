"""What a study is made of: the contract of its tables, its study.yaml, and public data sources.

contract   the tables and columns a study may have; the data dictionary
schema     the parts of a study.yaml
study      study.yaml read and checked
sources    public data by checksum: a mirror, a URL or a wheel
"""
