"""From texts and types to entities."""
