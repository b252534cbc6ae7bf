"""What Slurm or MPI says of ranks agrees with what PyTorch will read.

Why: srun and mpirun number processes themselves. When they start torchrun once a task, every task starts all local ranks again; when a
script derives RANK from another variable, two ranks can get one number.
Seen as: "Duplicate GPU detected", port already in use on each node, a rendezvous that waits for ever.
"""

from __future__ import annotations

from torchdoctor.api import Findings, Fix, check, fail, ok, skip, warn
from torchdoctor.facts import LaunchEnv

# scheduler's variable -> PyTorch's. Sources: srun's manual; Open MPI's FAQ on environment variables; MVAPICH2's user guide.
SAME = {
    "SLURM_PROCID": "RANK",
    "SLURM_LOCALID": "LOCAL_RANK",
    "OMPI_COMM_WORLD_RANK": "RANK",
    "OMPI_COMM_WORLD_SIZE": "WORLD_SIZE",
    "OMPI_COMM_WORLD_LOCAL_RANK": "LOCAL_RANK",
    "OMPI_COMM_WORLD_LOCAL_SIZE": "LOCAL_WORLD_SIZE",
    "MV2_COMM_WORLD_RANK": "RANK",
    "MV2_COMM_WORLD_SIZE": "WORLD_SIZE",
    "PMI_RANK": "RANK",
    "PMI_SIZE": "WORLD_SIZE",
}


@check("TD504", group="distributed")
def scheduler_variables(env: LaunchEnv) -> Findings:
    values = env.values
    torchrun = "TORCHELASTIC_RUN_ID" in values or "GROUP_RANK" in values
    known = [name for name in SAME if name in values]
    if not known:
        yield skip("no Slurm or MPI step")
        return
    if torchrun:  # torchrun numbers its own children, so only the number of launchers can be judged
        tasks, nodes = values.get("SLURM_NTASKS", ""), values.get("SLURM_NNODES", "")
        seen = [("env", f"SLURM_NTASKS={tasks} SLURM_NNODES={nodes}")]
        if tasks.isdigit() and nodes.isdigit() and int(tasks) > int(nodes):
            fix = Fix(
                "Start one torchrun a node.", ('srun --ntasks-per-node=1 torchrun --nnodes="$SLURM_NNODES" --nproc-per-node=gpu train.py',)
            )
            yield warn(f"Slurm starts {tasks} tasks on {nodes} nodes, and each starts torchrun", seen, [fix], cause="slurm-task-placement")
        yield ok("torchrun numbers the ranks")
        return
    for name in known:
        ours = SAME[name]
        if ours in values and values[ours] != values[name] and not (name == "SLURM_PROCID" and values.get("SLURM_NTASKS") == "1"):
            fix = Fix(f"Set {ours} from {name} in every task, or leave both to the launcher.", (f'export {ours}="${name}"',))
            seen = [("env", f"{ours}={values[ours]} {name}={values[name]}")]
            yield fail(f"{ours}={values[ours]}, but {name}={values[name]}", seen, [fix], cause="world-size-mismatch")
    size, ntasks = values.get("WORLD_SIZE"), values.get("SLURM_NTASKS")
    if size and ntasks and ntasks != "1" and size != ntasks:
        fix = Fix("Ask Slurm for one task a rank.", (f"srun --ntasks={size} ...",))
        seen = [("env", f"WORLD_SIZE={size} SLURM_NTASKS={ntasks}")]
        yield fail(f"WORLD_SIZE={size}, but Slurm starts {ntasks} tasks", seen, [fix], cause="slurm-ntasks-mismatch")
    yield ok(" ".join(f"{name}={values[name]}" for name in known))
