"""What each departure from the model was worth, exactly."""
