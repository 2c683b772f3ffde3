-- Run by the postgres image once, when its volume is empty: a database and a role for each of the
-- two services, neither of which can read the other's.
\getenv gateway_password FIGUEIRA_DATABASE_PASSWORD
\getenv images_password IMAGE_DATABASE_PASSWORD

CREATE ROLE figueira LOGIN PASSWORD :'gateway_password';
CREATE DATABASE figueira OWNER figueira;
REVOKE CONNECT ON DATABASE figueira FROM PUBLIC;

CREATE ROLE images LOGIN PASSWORD :'images_password';
CREATE DATABASE images OWNER images;
REVOKE CONNECT ON DATABASE images FROM PUBLIC;
