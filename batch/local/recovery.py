"""How a runner takes over where the one before it stopped, however that ended."""

import os

from batch.local import attempts, processes, starter
from batch.local.attempts import Key
from batch.local.folder import OVER
from batch.local.queue import LocalCluster, LocalJob
from batch.local.runner import Runner
from domain.submissions.jobs import JobState


def take_over(runner: Runner) -> None:
    """Rebuild the queue from clusters and journal, and find the attempts that run or have ended."""
    runner.queue.find_new()
    boots = []
    for line in runner.journal.replay():
        if "native_id" in line:
            runner.queue.take(line)
        else:
            boots.append(line.get("boot"))
    if boots != [processes.read_boot_id()]:
        # What a reader saw before a power failure may be gone: new places must be beyond its own.
        runner.rotate()
    runner.queue.count()
    # Of a scratch folder that was lost nobody could say how its attempt ends.
    of_ours = f"{runner.folder.scratch}/"
    processes.kill_carrying(lambda each: each.startswith(of_ours) and not os.path.exists(each))
    for key in attempts.list_attempts(runner.folder):
        _take_over_attempt(runner, key)
    for cluster in list(runner.queue.clusters.values()):
        _take_over_unwritten(runner, cluster)
        _take_over_cluster(runner, cluster)
    runner.queue.count()


def _take_over_attempt(runner: Runner, key: Key) -> None:
    native_id, number, attempt = key
    path, cluster = runner.folder.attempt(*key), runner.queue.clusters.get(native_id)
    job = runner.queue.get(native_id, number)
    if cluster is None or job is None:
        if starter.is_alive(path):
            # Its cluster was lost: nothing runs of what nobody could ask for.
            processes.kill_carrying(path.__eq__)
        _clean_finished_attempt(path, keep_log=os.path.exists(runner.folder.cluster(native_id)))
    elif job.state == JobState.RUNNING and attempt == job.attempt:
        runner.resume(key)
    elif job.state in OVER or attempt <= job.attempt:
        _clean_finished_attempt(path, keep_log=job.state != JobState.SUCCEEDED)
    else:
        _take_over_unsaid(runner, cluster, job, key)


def _take_over_unsaid(runner: Runner, cluster: LocalCluster, job: LocalJob, key: Key) -> None:
    # Its number is used up. Whether it started must be asked twice, since a starter may be just
    # about to say so: it can't any more once it is found dead.
    path, job.attempt = runner.folder.attempt(*key), key[2]
    told = attempts.has_started(path)
    if told or starter.is_alive(path) or (told := attempts.has_started(path)):
        runner.move(cluster, job, JobState.RUNNING, slot=told["slot"] if told else None)
        runner.resume(key)
    else:
        _clean_finished_attempt(path, keep_log=False)


def _take_over_unwritten(runner: Runner, cluster: LocalCluster) -> None:
    """Attempts that neither the journal nor a scratch folder tells of: one of these was cut, or lost."""
    for number, attempt in attempts.list_last_attempts(cluster.directory).items():
        job = cluster.jobs.get(number)
        if job is not None and job.state not in OVER and attempt > job.attempt:
            job.attempt = attempt
            runner.move(cluster, job, JobState.RUNNING)


def _take_over_cluster(runner: Runner, cluster: LocalCluster) -> None:
    for job in list(cluster.jobs.values()):
        key = (cluster.native_id, job.number, job.attempt)
        if job.state == JobState.RUNNING and not (key in runner.running or key in runner.unknown):
            runner.record_end(
                key, attempts.read_reported_ending(cluster.directory, job.number, job.attempt)
            )
    if cluster.is_open:
        runner.open(cluster)
    if not any(job.state not in OVER for job in cluster.jobs.values()):
        runner.call_over(cluster)


def _clean_finished_attempt(path: str, *, keep_log: bool) -> None:
    if os.path.exists(f"{path}/alive"):
        attempts.clean_attempt(path, keep_log=keep_log)
