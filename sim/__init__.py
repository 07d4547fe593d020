"""The physical cell: world, robots, people, sensors, referee. No rewards, rules or policies."""
