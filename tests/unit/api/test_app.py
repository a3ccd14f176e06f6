"""What the API does when a part of it breaks."""

import asyncio
import signal

from api.app import _end_with


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
