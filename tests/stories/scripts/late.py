"""Rank 1 is busy for longer than the others wait in a collective."""

import threading
from datetime import timedelta

import torch
import torch.distributed as dist


def save_everything() -> None:
    threading.Event().wait(60)  # torchrun ends it long before


def main() -> None:
    dist.init_process_group("gloo", timeout=timedelta(seconds=3))
    gradients = torch.ones(1024)
    dist.all_reduce(gradients)
    if dist.get_rank() == 1:
        save_everything()
    dist.all_reduce(gradients)
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
