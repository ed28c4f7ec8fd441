"""Campaigns, stages and schedules, as a client sees and saves them."""
