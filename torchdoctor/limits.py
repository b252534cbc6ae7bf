"""Times that more than one part of torchdoctor must agree on. Imports nothing, so that it costs nothing early in a run."""

IMPORT_TIMEOUT = 120.0  # seconds for ``import torch``: on a cold network file system it reads gigabytes
