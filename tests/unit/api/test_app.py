"""What the API does when a part of it breaks."""

import asyncio
import signal

from api.app import _end_with, cancel


async def test_the_process_ends_with_the_task_it_lives_by() -> None:
    """A reader or hub that failed ends the process by SIGTERM; one that is cancelled does not."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)

    async def fail() -> None:
        raise RuntimeError("broken")

    for work, ends in ((asyncio.sleep(60), False), (fail(), True)):
        task = asyncio.create_task(work)
        task.add_done_callback(_end_with)
        await asyncio.sleep(0)
        if not ends:
            task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        if ends:
            await asyncio.wait_for(ended.wait(), 5)
        assert ended.is_set() is ends
    asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)


async def test_a_task_that_forgets_a_cancellation_is_cancelled_again() -> None:
    """What asyncio.wait_for of Python 3.11 swallows does not keep the process from stopping."""
    forgotten = 0

    async def forgetful() -> None:
        nonlocal forgotten
        while forgotten < 2:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                forgotten += 1
        await asyncio.sleep(60)

    task = asyncio.create_task(forgetful())
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await cancel(task)
    assert task.cancelled()
    assert forgotten == 2
