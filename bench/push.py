"""stub"""
from bench.machines import Machines
from bench.ratios import Line
async def run(machines: Machines) -> list[Line]:
    return []
