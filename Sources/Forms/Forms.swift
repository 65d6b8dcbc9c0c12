// Forms: see docs/architecture.md. Replaced by the first file of the target.
