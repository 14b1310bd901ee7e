"""Running a site: command line, worker, admin socket, verification of records, demo data."""
