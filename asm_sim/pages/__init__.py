"""Pages of HTML that need nothing beside them: one frame and one style for all."""
