"""How figures look and what their files say of them: one style, panels, stamps."""
