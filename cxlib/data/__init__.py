"""Studies, their sources, the contract of the tables, and the intake that holds files to it."""
