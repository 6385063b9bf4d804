"""The lab: routers and hypervisors as namespaces with their own systemd, on one machine, from one topology file."""
