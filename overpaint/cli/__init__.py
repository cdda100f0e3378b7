"""Where people type: verbs, and how we speak to them. Composes the other rooms; holds no rule of its own."""
