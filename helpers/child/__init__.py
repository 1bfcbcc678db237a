"""What a child process loads: recorder, recorded calls, queues, locks. Standard library only."""
