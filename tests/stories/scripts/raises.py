"""Rank 1 meets an error of its own data; the others wait for it in a collective."""

from datetime import timedelta

import torch
import torch.distributed as dist


def load_shard(rank: int) -> torch.Tensor:
    shards = {0: 4, 2: 4}
    return torch.ones(shards[rank])


def main() -> None:
    dist.init_process_group("gloo", timeout=timedelta(seconds=20))
    batch = load_shard(dist.get_rank())
    dist.all_reduce(batch)
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
