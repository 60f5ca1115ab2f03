"""What the control plane keeps, noun by noun: functions over a connection, so that the caller says what one
transaction is.
"""
