"""Looking ahead at launches, launching, holding and limiting."""
