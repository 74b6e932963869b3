"""From a DataFrame to the people to send, and from their answers to a DataFrame; no I/O."""
