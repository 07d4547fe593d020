"""Reading an audit log: whether it was altered, and in plain words why the robot was stopped."""
