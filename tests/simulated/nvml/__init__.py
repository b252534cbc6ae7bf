"""A simulated NVIDIA driver: a C library that the real nvidia-ml-py loads, and scenarios of healthy and sick nodes."""
