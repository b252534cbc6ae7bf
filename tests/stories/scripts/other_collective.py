"""Rank 1 takes another branch and calls another collective than its peers."""

from datetime import timedelta

import torch
import torch.distributed as dist


def main() -> None:
    dist.init_process_group("gloo", timeout=timedelta(seconds=10))
    loss = torch.ones(4)
    if dist.get_rank() == 1:
        dist.broadcast(loss, src=0)
    else:
        dist.all_reduce(loss)
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
