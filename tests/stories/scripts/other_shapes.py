"""Rank 1 has a last batch of another size."""

from datetime import timedelta

import torch
import torch.distributed as dist


def main() -> None:
    dist.init_process_group("gloo", timeout=timedelta(seconds=10))
    rows = 5 if dist.get_rank() == 1 else 8
    dist.all_reduce(torch.ones(rows, 16))
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
