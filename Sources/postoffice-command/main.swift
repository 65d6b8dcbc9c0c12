import PostOffice

Program.main()
