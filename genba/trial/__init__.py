"""The trial of the safety layer: adversaries at the robot and among the people, in every cell."""
