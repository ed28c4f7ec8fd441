"""Everything on one machine: databases, migrations, API and workers, supervised (`make run`)."""
