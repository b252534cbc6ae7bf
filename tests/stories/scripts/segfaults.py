"""Rank 1 dies of a segmentation fault in native code."""

import ctypes
import faulthandler
from datetime import timedelta

import torch
import torch.distributed as dist


def decode(image: int) -> bytes:
    return ctypes.string_at(image)


def main() -> None:
    faulthandler.enable()
    dist.init_process_group("gloo", timeout=timedelta(seconds=20))
    gradients = torch.ones(1024)
    dist.all_reduce(gradients)
    if dist.get_rank() == 1:
        decode(0)
    dist.all_reduce(gradients)
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
