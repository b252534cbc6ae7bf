"""Starting worker processes: fork, spawn, pickling, the main guard, killed data workers."""

from __future__ import annotations

from torchdoctor.api import FAIR, WEAK, Cause, Fix, Sign
from torchdoctor.tracebacks import ends_in

CAUSES = (
    Cause(
        slug="fork-cuda",
        title="CUDA was already initialised before the process was forked",
        why="A forked child inherits the parent's CUDA context, which cannot be used there. Anything that touches the GPU before the "
        "workers start (a tensor on cuda, torch.cuda.* calls, an import that does so) makes every later fork fail.",
        signs=(
            Sign(r"Cannot re-initialize CUDA in forked subprocess"),
            Sign(r"Lightning can['’]t create new processes if CUDA is already initialized"),
            Sign(r"CUDA has been initialized before the `?notebook_launcher`? could create a forked subprocess"),
            Sign(r"you need to avoid running any instruction using `?torch\.cuda`? in any cell"),
            Sign(r"multi-GPU training from your notebook, the `?Accelerator`? should only be initialized inside your training function"),
            Sign(r"must use the ['\"]spawn['\"] start method", FAIR),
            Sign(r"cuda runtime error \(3\) : initialization error", FAIR),
            Sign(r"CUDA error: initialization error", FAIR),
            Sign(r"Cannot re-initialize \w{2,8} in forked subprocess"),
            Sign(r"CUDA initialized before forking"),
            Sign(r"cudaErrorInitializationError", FAIR),
            Sign(r"CUDA_ERROR_NOT_INITIALIZED", FAIR),
            Sign(r"cuInit failed: initialization error", FAIR),
        ),
        fixes=(
            Fix(
                do="In a notebook, restart the kernel (session) and touch no GPU before the launch: no .to('cuda'), no torch.cuda.* call, "
                "no model on the GPU in an earlier cell; or move the training to a script and start it with a launcher.",
                when="notebook=yes",
            ),
            Fix(
                do="Use the spawn start method for the workers, before anything else in the main program; the code that starts them "
                "belongs under "
                'if __name__ == "__main__":.',
                code='if __name__ == "__main__":\n    torch.multiprocessing.set_start_method("spawn")\n    main()',
            ),
            Fix(
                do="Or keep CUDA out of the parent and out of data-loading workers: create CPU tensors in the Dataset and move batches to "
                "the GPU in the training loop; DataLoader(num_workers=0) proves it. In Lightning choose another strategy (ddp from a "
                "script, ddp_notebook after a restart).",
                code='x = x.to("cuda", non_blocking=True)  # in the training loop, not in Dataset.__getitem__',
            ),
        ),
        explains=("mp-spawn-wrapper", "dataloader-worker-killed"),
        examples=(
            "RuntimeError: Cannot re-initialize CUDA in forked subprocess. To use CUDA with multiprocessing, you must use the 'spawn' "
            "start method",
            "RuntimeError: Lightning can't create new processes if CUDA is already initialized. Did you manually call `torch.cuda.*` "
            "functions, have moved the model to the device, or allocated memory on the GPU any other way?",
            "RuntimeError: CUDA error: initialization error\nCUDA kernel errors might be asynchronously reported at some other API call",
            "RuntimeError: Cannot re-initialize XPU in forked subprocess. To use XPU with multiprocessing, you must use the 'spawn' start method",
            "numba.cuda.cudadrv.error.CudaDriverError: CUDA initialized before forking",
            "F tensorflow/compiler/xla/stream_executor/cuda/cuda_driver.cc:148] Failed setting context: CUDA_ERROR_NOT_INITIALIZED: initialization error",
        ),
        counterexamples=("INFO: multiprocessing start method: spawn", "RuntimeError: context has already been set"),
    ),
    Cause(
        slug="spawn-main-guard",
        title="Processes are started while the main module is being imported: the main guard is missing",
        why="Windows and macOS start worker processes by spawn, which imports the main script again. Without the guard that import starts "
        "workers once more, and Python stops it.",
        signs=(
            Sign(r"An attempt has been made to start a new process before the"),
            Sign(r"before the current process has finished its bootstrapping phase"),
            Sign(r"_check_not_importing_main"),
            Sign(r"popen_spawn_(?:posix|win32)\.py.{0,60}in (?:_launch|__init__) prep_da"),
            Sign(r"if __name__ == ['\"]__main__['\"]: freeze_support\(\)"),
            ends_in("multiprocessing/spawn.py", "_check_not_importing_main"),
            Sign(r"BrokenPipeError: \[Errno 32\] Broken pipe", FAIR, also=(r"popen_spawn_win32|ForkingPickler\(file, protocol\)\.dump",)),
            Sign(r"in _fixup_main_from_path .{0,300}__mp_main__.{0,600}(?:enumerate\(|[lL]oader\b|\.start\(\))", FAIR),
            Sign(r"in _fixup_main_from_path .{0,900}in <module> .{0,300}(?:dataloader|popen_spawn_\w+|process|pool)\.py\b", FAIR),
            Sign(r"not using fork to start your child processes"),
            Sign(r"forgotten to use the proper idiom in the main module"),
            Sign(r"Safe importing of main module"),
            Sign(r"not going to be frozen to produce an executable"),
        ),
        fixes=(
            Fix(
                do="Put everything that runs (creating the DataLoader, training, mp.spawn) into a function and call it under if __name__ "
                '== "__main__":.',
                code='def main():\n    ...  # build the model and the DataLoader, train\n\n\nif __name__ == "__main__":\n    main()',
            ),
            Fix(do="Or use DataLoader(num_workers=0), which starts no processes."),
        ),
        wrong_advice="freeze_support() is only needed for programs frozen into an executable; the guard alone is enough.",
        patch="main-guard",
        explains=("mp-spawn-wrapper", "dataloader-worker-killed"),
        examples=(
            "RuntimeError: \n        An attempt has been made to start a new process before the\n        current process has finished its "
            "bootstrapping phase.\n\n        This probably means that you are not using fork to start your\n        child processes and "
            "you have forgotten to use the proper idiom\n        in the main module:\n\n            if __name__ == '__main__':\n          "
            "      freeze_support()\n                ...",
            '  File "C:\\py\\lib\\multiprocessing\\spawn.py", line 287, in _fixup_main_from_path\n'
            "    main_content = runpy.run_path(main_path,\n"
            '  File "D:\\work\\fit.py", line 51, in <module>\n    batches = iter(train)\n'
            '  File "C:\\py\\lib\\site-packages\\torch\\utils\\data\\dataloader.py", line 359, in __iter__',
        ),
        counterexamples=("    main()\nFileNotFoundError: [Errno 2] No such file or directory: 'train.csv'",),
    ),
    Cause(
        slug="pickle-local-object",
        title="Something that cannot be pickled is sent to a worker process: {object|a local object or lambda}",
        why="With spawn (Windows, macOS, mp.spawn, Linux from Python 3.14 on) the dataset and all its members are pickled for the "
        "workers. Lambdas, functions and classes defined inside a function, modules, open files and locks cannot be. The EOFError: "
        "Ran out of input beside it is only the worker that got nothing.",
        signs=(
            Sign(r"Can['’]t (?:pickle|get) local object ['\"]?(?P<object>[^'\"\s]{1,120})"),
            Sign(r"Can['’]t pickle (?P<object><function \S{1,120})"),
            Sign(r"Can['’]t pickle (?P<object><class '[^']{1,120}'>): (?:attribute lookup|it's not the same object|import of module)"),
            Sign(
                r"cannot pickle ['\"](?P<object>[\w.]{1,80})['\"] object",
                also=(r"ForkingPickler|reduction\.dump|popen_spawn|_pickle\.|multiprocessing",),
            ),
            Sign(r"can['’]t pickle (?P<object>[\w.]{1,80}) objects", also=(r"ForkingPickler|reduction\.dump|popen_spawn|multiprocessing",)),
            Sign(
                r"cannot pickle ['\"](?P<object>[\w.]{1,80})['\"] object", FAIR, unless=(r"deepcopy|copy\.py|torch\.save|joblib|_save\(",)
            ),
            Sign(r"Can['’]t get attribute ['\"](?P<object>\w+)['\"] on <module ['\"]__main__['\"] \(built-in\)>"),
            Sign(r"reduction\.pickle\.load\(from_parent\).{0,80}EOFError: Ran out of input", FAIR),
            ends_in("multiprocessing/reduction.py", "dump"),
            Sign(r"h5py objects cannot be pickled"),
            Sign(
                r"no default __reduce__ due to non-trivial __cinit__",
                FAIR,
                also=(r"ForkingPickler|reduction\.dump|popen_|multiprocessing|DataLoader",),
            ),
            Sign(r"can['’]t pickle (?P<object>[\w.]{1,80}) objects", FAIR, unless=(r"deepcopy|copy\.py|torch\.save|joblib|_save\(",)),
        ),
        fixes=(
            Fix(
                do="Define the function or class at the top level of a module instead of a lambda or a nested function; give arguments "
                "with functools.partial. Keep modules, open files and locks out of the dataset's attributes.",
                code="def to_float(x):\n    return x / 255.0\n\n\ntransform = transforms.Lambda(to_float)  # not: "
                "transforms.Lambda(lambda x: x / 255.0)",
            ),
            Fix(do="Or load the data in the main process with DataLoader(num_workers=0), which pickles nothing."),
            Fix(
                do="In a notebook, put the Dataset and its functions into a .py file and import them; spawned workers cannot see what a "
                "cell defines.",
                when="notebook=yes",
            ),
        ),
        explains=("mp-spawn-wrapper", "dataloader-worker-killed"),
        examples=(
            "    ForkingPickler(file, protocol).dump(obj)\nAttributeError: Can't pickle local object 'build_loaders.<locals>.<lambda>'",
            "AttributeError: Can't get local object 'collate_with.<locals>.inner'",
            "_pickle.PicklingError: Can't pickle <function <lambda> at 0x000001F2A0>: attribute lookup <lambda> on __main__ failed",
            '  File "C:\\py\\Lib\\multiprocessing\\reduction.py", line 60, in dump\n    ForkingPickler(file, '
            "protocol).dump(obj)\nTypeError: cannot pickle 'module' object",
            "TypeError: h5py objects cannot be pickled",
            "TypeError: can't pickle Environment objects",
        ),
        counterexamples=("_pickle.UnpicklingError: invalid load key, 'v'.", "EOFError: Ran out of input"),
    ),
    Cause(
        slug="mp-spawn-wrapper",
        title="Spawned process {process|of the job} failed; this exception only carries its traceback",
        why="torch.multiprocessing.spawn waits for the workers and raises ProcessRaisedException with the traceback of the first that "
        "failed. The error itself is the inner traceback below the line '-- Process N terminated with the following error'.",
        signs=(
            Sign(r"-- Process (?P<process>\d+) terminated with the following error"),
            Sign(r"ProcessRaisedException"),
            Sign(r"ProcessExitedException: process (?P<process>\d+) terminated with exit code (?P<code>\d+)"),
            Sign(r"multiprocessing/spawn\.py.{0,120}raise Exception\(msg\)", FAIR),
            Sign(r"Exception: process (?P<process>\d+) terminated with (?:exit code [1-9]|signal)"),
        ),
        fixes=(
            Fix(
                do="Read the inner traceback of the failing process: its last line is the error. Everything above and below belongs to "
                "spawn."
            ),
            Fix(
                do="If there is no inner traceback (only an exit code), run the worker function directly in one process, main_worker(0, "
                "...), to see the error."
            ),
        ),
        explains=("torchrun-child-failed",),
        consequence=True,
        examples=(
            "torch.multiprocessing.spawn.ProcessExitedException: process 2 terminated with exit code 1",
            "torch.multiprocessing.spawn.ProcessRaisedException:\n\n-- Process 1 terminated with the following error:",
        ),
        counterexamples=("Process 1 terminated with status 0",),
    ),
    Cause(
        slug="dataloader-worker-killed",
        title="A DataLoader worker process was killed by the system ({signal|no traceback of its own})",
        why="The worker process got a signal, so Python could not report anything: Killed means that the host (or container) ran out of "
        "RAM, since every worker holds its own copy of what it loads; a segmentation fault is a native library in the worker.",
        signs=(
            Sign(
                r"DataLoader worker \(pid\(?s?\)? ?(?P<pid>[\d, ]+)\) is killed by signal: "
                r"(?P<signal>Killed|Terminated|Aborted|Segmentation fault|Hangup|Illegal instruction)"
            ),
            Sign(r"DataLoader worker \(pid\(s\) (?P<pid>[\d, ]+)\) exited unexpectedly", FAIR),
            Sign(r"DataLoader worker \(pid \d+\) exited unexpectedly with exit code (?P<code>\d+)", FAIR),
            Sign(r"Unexpected segmentation fault encountered in worker"),
            Sign(r"DataLoader worker.{0,40}is killed by signal", WEAK),
            ends_in("_utils/signal_handling.py", "handler"),
            Sign(r"Unexpected (?:floating-point exception|illegal instruction) encountered in worker"),
            Sign(r"One of the subprocesses has abruptly died during map operation", FAIR),
            Sign(r"process in the process pool was terminated abruptly", FAIR),
            Sign(r"worker process managed by the executor was unexpectedly terminated", FAIR),
        ),
        unless=(r"killed by signal: Bus error", r"insufficient shared memory"),
        fixes=(
            Fix(
                do="Lower the memory that the workers need: fewer num_workers (0 to prove it), smaller prefetch_factor and batch, and no "
                "large Python lists in the Dataset (use numpy arrays, mmap or a database). Watch the host memory (RAM) with free -h; a "
                "container needs a higher memory limit and more shared memory (--shm-size).",
                commands=("free -h", "df -h /dev/shm", "dmesg -T | grep -i -E 'killed process|out of memory' | tail"),
                code="DataLoader(dataset, batch_size=32, num_workers=0)  # then raise it step by step",
            ),
            Fix(
                do="The same holds for datasets.map(num_proc=...) and process pools: fewer processes. With num_workers=0 an error in the dataset shows its own traceback in the main process; a segmentation fault there "
                "names the native library (cv2, h5py, decord).",
                code="cv2.setNumThreads(0)  # in the worker, where OpenCV is used",
            ),
        ),
        explains=("mp-spawn-wrapper", "peer-rank-died-elsewhere", "nccl-watchdog-abort", "nccl-timeout-straggler"),
        examples=(
            "RuntimeError: DataLoader worker (pid 5512) is killed by signal: Killed.",
            "RuntimeError: DataLoader worker (pid(s) 871, 872) exited unexpectedly",
            "RuntimeError: One of the subprocesses has abruptly died during map operation.To debug the error, disable multiprocessing.",
            "concurrent.futures.process.BrokenProcessPool: A process in the process pool was terminated abruptly while the future was running or pending.",
        ),
        counterexamples=("FileNotFoundError: Caught FileNotFoundError in DataLoader worker process 3.",),
    ),
)
