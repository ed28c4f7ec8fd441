"""What somebody owns in an experiment."""

import strawberry

from door.describe import declare_object_type
from door.pages import Node
from schema.context import Info
from schema.fields import declare_query
from schema.people.experiments import Experiment, load_experiment
from schema.people.people import Person, load_person


@declare_object_type
class OwnedNode(Node):
    """Something that an experiment has and that somebody owns there."""

    experiment_id: strawberry.Private[int]
    owner_id: strawberry.Private[int]

    @declare_query()
    async def experiment(self, info: Info) -> Experiment:
        """The experiment that has it."""
        return await load_experiment(info, self.experiment_id)

    @declare_query()
    async def owner(self, info: Info) -> Person:
        """Who owns it."""
        return await load_person(info, self.owner_id)
