"""`roth-ports`: follows Neutron's ports of this host and keeps the kernel's routes to their instances.

`answer`, `judging` and `schedule` are pure. `watcher` joins them with a kernel, a clock and a reader that are handed
in. `service`, `asking` and `reader` are the processes.
"""
