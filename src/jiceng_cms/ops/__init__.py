"""Running a site: command line, worker, admin socket, verification of records, demo data."""

import warnings

# deform 3.0.1 imports pkg_resources, which setuptools < 81 announces as deprecated: nothing that
# who runs a command could do about it
warnings.filterwarnings("ignore", message="pkg_resources is deprecated", category=UserWarning)
