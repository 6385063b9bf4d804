CREATE DATABASE IF NOT EXISTS neutron CHARACTER SET utf8mb4;
CREATE USER IF NOT EXISTS neutron@'127.0.0.1' IDENTIFIED BY 'neutron';
CREATE USER IF NOT EXISTS neutron@'localhost' IDENTIFIED BY 'neutron';
GRANT ALL ON neutron.* TO neutron@'127.0.0.1';
GRANT ALL ON neutron.* TO neutron@'localhost';
