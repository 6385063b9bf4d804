"""`roth-port-listener`: hears on Neutron's bus that ports change, and hints to the hosts that they concern.

`messages` and `pacing` are pure. `bus` is the connection, `service` the process.
"""
