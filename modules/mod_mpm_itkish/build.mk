# mod_mpm_itkish: built by apxs of the httpd at hand, exporting its module
# record only.
