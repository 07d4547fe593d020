"""The physical cell: world, robots, people, sensors and the referee. No rewards, rules or policies."""
