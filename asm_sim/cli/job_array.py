"""The script of ``asm-sim sweep --write-sbatch``: a job array of shards for Slurm."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from asm_sim.cli.terminal import Terminal
from asm_sim.durable import write_whole
from asm_sim.errors import InputError, without_passwords
from asm_sim.places import local_path, place_of


def sweep_command(
    scenario: str, place: str, options: Mapping[str, int | None], settings: list[str]
) -> str:
    """A sweep's command line that holds wherever the job runs; options of None stay out."""
    words = [*program(), "sweep", _absolute(scenario), "--out", _absolute(place, new=True)]
    for option, value in options.items():
        if value is not None:
            words += [option, str(value)]
    for setting in settings:
        words += ["--set", setting]
    return shlex.join(words)


def program() -> list[str]:
    """The words that call the program that runs now, whatever is on the path of a job."""
    called = Path(sys.argv[0])
    if called.name == "asm-sim" and called.is_file():
        return [str(called.absolute())]
    return [sys.executable, "-m", "asm_sim"]


def write_job_array(
    script: Path, command: str, blocks: int, overwrite: bool, note: Terminal
) -> None:
    """A script for a job array of shards, and a job after it that puts them together."""
    path = local_path(script)
    if path.exists() and not overwrite:
        raise InputError(f"{path}: exists already; choose another name, or add --overwrite")
    if without_passwords(command) != command:
        raise InputError(
            f"{path}: the script would hold the password of a URL, which others may read; leave it "
            "out of --out, and give it to the jobs in their environment or a file of your home"
        )
    shards = min(16, blocks)
    write_whole(
        path,
        f"""\
#!/bin/bash
# A sweep as a job array. Submit it with:  sbatch {shlex.quote(path.name)}
# Each task runs one of PARTS parts of the blocks. When all are through, one more job, which the
# first task submits, puts the results together. Parts that failed can be submitted again, such as
# sbatch --array=3,7 {shlex.quote(path.name)}; what is done is never done twice.
#SBATCH --job-name=asm-sim
#SBATCH --array=1-{shards}
#SBATCH --cpus-per-task=4
#SBATCH --mem=4G
#SBATCH --time=04:00:00
#SBATCH --output=%x-%A-%a.log
set -euo pipefail

PARTS={shards}  # as many as the array above has tasks
export NUMBA_NUM_THREADS="$SLURM_CPUS_PER_TASK"
# Kernels are compiled once for each kind of processor and kept in your own cache folder, below
# your home. A folder below /tmp, whose name others can guess, would not do: what is kept is code.

if [ "$SLURM_ARRAY_TASK_ID" = "$SLURM_ARRAY_TASK_MIN" ]; then  # of this submission
    sbatch --job-name=asm-sim-results --dependency="afterok:$SLURM_ARRAY_JOB_ID" \\
        --cpus-per-task=1 --mem=4G --time=04:00:00 --output=%x-%j.log \\
        --wrap={shlex.quote(command + " --resume")}
fi

{command} --resume --shard "$SLURM_ARRAY_TASK_ID/$PARTS"
""",
    )
    note.print(f"Script    {path}  ({shards} tasks; change --array and PARTS for another number)")


def _absolute(place: str, new: bool = False) -> str:
    """A path that still holds where the job runs; names and URLs as they are."""
    found = place_of(place) if new or Path(place).exists() else place
    return str(found.absolute()) if isinstance(found, Path) else found
