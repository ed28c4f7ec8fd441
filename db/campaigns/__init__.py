"""Campaigns, their revisions, stages and schedules."""
