"""torchdoctor: says whether PyTorch training will work on this machine, and what a failure means."""

__version__ = "0.1.0"
