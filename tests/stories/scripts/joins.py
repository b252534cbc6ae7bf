"""A job that only joins its group: what is wrong lies around it."""

from datetime import timedelta

import torch.distributed as dist


def main() -> None:
    dist.init_process_group("gloo", timeout=timedelta(seconds=10))
    dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
