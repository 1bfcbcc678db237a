"""The thread in which an executor hands out its tasks, where that thread cannot do its work.

An executor is the standard library's own. One thread of it gives the tasks to the workers, receives
the results and ends the workers. Here, that thread leaves nobody behind:

- If it cannot start, as at a limit of threads, `submit` raises; and the workers, which nobody would
  ever end, are ended.
- If it ends by an error, all pending futures fail; nobody waits for ever.
- While they fail, none of them can be cancelled, and no worker can be started. (In Python 3.11 the
  thread would stumble over the first, and `submit` over the second.)

This file leans on private names of `concurrent.futures.process` (a test holds that they are there).
It is imported when the first executor starts a worker. Standard library only.
"""

import traceback
import weakref
from concurrent.futures import process as standard

from helpers.child.interrupts import put_off_interrupts

_watchers = weakref.WeakKeyDictionary()  # by the queue of tasks of each observed executor


def observe(tasks, watcher) -> None:
    """Give an executor, whose first worker is about to start, a thread of our class.

    Args:
        tasks: the queue out of which its workers take their tasks.
        watcher: the `Watcher` that owns the workers.
    """
    _watchers[tasks] = watcher
    standard._ExecutorManagerThread = _ManagerThread


class _ManagerThread(standard._ExecutorManagerThread):
    """The thread of an executor; that of a plain one, too."""

    def start(self):
        """Start, or leave no worker. An interrupt waits until it is known which.

        A thread that is interrupted while it starts can be neither joined nor started again.
        """
        with put_off_interrupts() as interrupts:
            try:
                super().start()
                interrupts.deliver()
            except BaseException:
                self._give_up()
                raise

    def _give_up(self):
        watcher, executor = _watchers.get(self.call_queue), self.executor_reference()
        if watcher is None or executor is None:
            return
        executor._broken = "the first task could not be submitted"
        if not self.is_alive():
            executor._executor_manager_thread = None  # else the end of a `with` would wait for it
        watcher.end_workers(self.call_queue)

    def run(self):
        try:
            super().run()
        except BaseException as error:  # such as: no thread is left for the queue of tasks
            self.terminate_broken(traceback.format_exception(error))

    def terminate_broken(self, cause):
        self._refuse_to_submit()
        self._refuse_to_cancel()
        super().terminate_broken(cause)

    def _refuse_to_submit(self):
        """Let nobody start another worker: the queue for its tasks is about to be closed."""
        executor = self.executor_reference()
        if executor is not None:
            with self.shutdown_lock:
                executor._broken = "the workers of this executor have ended"

    def _refuse_to_cancel(self):
        """Let nobody cancel a future any more; forget those that are cancelled already."""
        for number, item in list(self.pending_work_items.items()):
            future = item.future
            if future.cancelled() or not (
                future.running() or future.set_running_or_notify_cancel()
            ):
                del self.pending_work_items[number]
