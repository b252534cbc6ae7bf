"""Rank 1 is killed from outside, as the out-of-memory killer does it."""

import os
import signal
from datetime import timedelta

import torch
import torch.distributed as dist


def main() -> None:
    dist.init_process_group("gloo", timeout=timedelta(seconds=20))
    gradients = torch.ones(1024)
    dist.all_reduce(gradients)
    if dist.get_rank() == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    dist.all_reduce(gradients)
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
