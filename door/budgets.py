"""What one caller may use: nodes by the minute, operations at once, dear ones among them, open connections.

Each process keeps its own accounts: with several, a caller has as many budgets.
"""

import time
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field

from graphql import GraphQLError

MOST_ACCOUNTS = 10_000


@dataclass(frozen=True, slots=True)
class Budget:
    """The most of each that one caller may use; 0: any number."""

    nodes_per_minute: int = 600_000
    operations: int = 50
    """At once, subscriptions apart."""
    dear_operations: int = 4
    """Those among them that cost `DEAR` nodes or more."""
    connections: int = 50
    """Sockets and event streams that are open."""


DEAR = 1_000


@dataclass(slots=True)
class BudgetAccount:
    """What one caller has left, and has running."""

    remaining: float
    at: float
    running: int = 0
    dear: int = 0


@dataclass(slots=True)
class OperationUse:
    """One operation that runs on an account."""

    account: BudgetAccount
    is_dear: bool

    def end(self) -> None:
        """Let others run in its place."""
        self.account.running -= 1
        self.account.dear -= self.is_dear


@dataclass(slots=True)
class Budgets:
    """The accounts of all callers of this process, those used least recently forgotten first."""

    budget: Budget = field(default_factory=Budget)
    accounts: OrderedDict[Hashable, BudgetAccount] = field(default_factory=OrderedDict)

    def account(self, payer: Hashable) -> BudgetAccount:
        """A caller's account, with what has come to it since it was used last."""
        now, most = time.monotonic(), float(self.budget.nodes_per_minute)
        found = self.accounts.pop(payer, None) or BudgetAccount(most, now)
        found.remaining = min(most, found.remaining + (now - found.at) * most / 60)
        found.at = now
        self.accounts[payer] = found
        if len(self.accounts) > MOST_ACCOUNTS:
            self._forget_one()
        return found

    def _forget_one(self) -> None:
        idle = next((payer for payer, a in self.accounts.items() if not a.running), None)
        if idle is not None:
            del self.accounts[idle]

    def begin(self, payer: Hashable, nodes: int) -> OperationUse:
        """Charge an operation; raises GraphQLError where the caller has to wait."""
        account, most = self.account(payer), self.budget
        is_dear = nodes >= DEAR
        if most.operations and account.running >= most.operations:
            raise make_budget_error("operations at once", most.operations, 1)
        if is_dear and most.dear_operations and account.dear >= most.dear_operations:
            raise make_budget_error(
                f"operations of {DEAR} nodes or more at once", most.dear_operations, 1
            )
        if most.nodes_per_minute and account.remaining < min(nodes, most.nodes_per_minute):
            wait_s = (nodes - account.remaining) * 60 / most.nodes_per_minute
            raise make_budget_error("nodes a minute", most.nodes_per_minute, int(wait_s) + 1)
        account.remaining -= nodes
        account.running += 1
        account.dear += is_dear
        return OperationUse(account, is_dear)

    def remaining(self, payer: Hashable) -> int | None:
        """How many nodes a caller may still ask for now; None: any number."""
        return int(self.account(payer).remaining) if self.budget.nodes_per_minute else None


SPENT = "BUDGET_SPENT"


def make_budget_error(what: str, most: int, retry_after_s: int) -> GraphQLError:
    """The refusal of an operation that may be sent again later."""
    return GraphQLError(
        f"You use all that one person may at once: {most} {what}. Ask again in {retry_after_s} s.",
        extensions={"code": SPENT, "limit": most, "retryAfterS": retry_after_s},
    )
