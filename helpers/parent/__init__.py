"""The parent's side of an observed context: processes, pools, and the folders of the logs."""
