/// Version of the product as it stands in banners, `Received` fields and `postoffice --version`.
package enum ProductVersion {
    package static let text = "5.0.0"
}
