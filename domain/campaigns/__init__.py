"""Campaigns: plans, stages, splits, schedules, and the campaign file."""
