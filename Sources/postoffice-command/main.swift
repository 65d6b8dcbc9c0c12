print("Post.Office")
