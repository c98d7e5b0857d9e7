"""What outlives a restart: settings, jobs and the photos in flight."""
